/** By `schemaKey`: whether a value is valid. The build puts what `precompile.ts` makes in the place of this file. */
export const PRECOMPILED: Readonly<Record<string, (value: unknown) => boolean>> = {};
