/** Ends the reading of a model that is sound, but not within the reach of a graph; `graphOf` catches it and gives its message. */
export class BeyondReach extends Error {}
