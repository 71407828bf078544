/** Registers an element. A notebook may load the module once for every widget, and a name can be registered only once. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
