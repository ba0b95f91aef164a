/** An object whose keys nobody has checked yet: what the cross-checks see of a configuration. */
export type Dictionary = Readonly<Record<string, unknown>>

/** The value, if it is an object and no array; otherwise null. */
export function asDictionary(value: unknown): Dictionary | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Dictionary) : null
}
