/**
 * Addresses stand for the ports of this side, of which a destination can have some 28,000: many WebSockets or a connection for each
 * request use them up.
 */
const ownShortages = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'])

/**
 * Whether a connection could not be made for want of something on this side: file descriptors, memory, ports. No endpoint is to blame
 * for that.
 */
export function isOwnShortage(error: Error): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every((each) => isOwnShortage(each as Error))
  }
  return ownShortages.has((error as NodeJS.ErrnoException).code ?? '')
}
