/** Why an attempt has failed: what to tell, and whose fault it was not. */

/**
 * For a person, in one line. Where every address of a name was tried in vain the error itself has no text, but those inside it have.
 */
export function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => reasonOf(each as Error)).join(', ')
  }
  return error.message || error.name
}

const ownShortages = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/** Whether a connection could not be made for want of something on this side: file descriptors, memory. No endpoint is to blame for that. */
export function isOwnShortage(error: Error): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every((each) => isOwnShortage(each as Error))
  }
  return ownShortages.has((error as NodeJS.ErrnoException).code ?? '')
}
