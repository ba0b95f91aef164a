/** Why an attempt has failed. */

/**
 * For a person, in one line. Where every address of a name was tried in vain the error itself has no text, but those inside it have.
 */
export function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => reasonOf(each as Error)).join(', ')
  }
  return error.message || error.name
}
