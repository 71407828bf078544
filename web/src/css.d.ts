declare module "*.css" {
  /** The text of the stylesheet, in the bundle of the widgets; the page's bundle has stylesheets in a file of their own. */
  const text: string;
  export default text;
}
