/** What a run has started from in the place of new weights, as it was found when it started. */
export type StartedFrom = {
  /** Of the weights file; of `model.json` and behind it its weight files, for TF.js layers. */
  readonly sha256: string
  /** The version that it was, also where the plan names an alias; absent where it came from a file. */
  readonly version?: { readonly model: string; readonly number: number; readonly alias?: string }
  readonly file?: string
}
