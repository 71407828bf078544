// What sections use, in one place.
export * from "./acts";
export * from "./array";
export * from "./colour";
export * from "./drawer";
export * from "./focus";
export * from "./format";
export * from "./panel";
export * from "./run";
export * from "./section";
export * from "./state";
export * from "./theme";
export * from "./tour";
