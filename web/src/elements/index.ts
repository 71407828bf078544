// All elements, registered.
export * from "./bars";
export * from "./flow";
export * from "./heatmap";
export * from "./ladder";
export * from "./lines";
export * from "./thumbs";
export * from "./tokens";
