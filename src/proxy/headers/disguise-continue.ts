/**
 * Interim responses come at the origin's will, `100 Continue` too, and a client must bear one that it has not asked for (RFC
 * 9110, section 15.2). undici destroys the connection over a 100, but lets every other 1xx pass, so a 100 is made a 199,
 * which nobody has defined, before it is parsed (native-notes/17-responses.md).
 */

/** What a 100 is known by behind the parser. */
export const disguisedContinue = 199

const one = 0x31
const zero = 0x30
const nine = 0x39
const statusLineBytes = 12
const versionPrefix = Buffer.from('HTTP/1.')

/**
 * Changes the status of every 100 in front of the final response, in place.
 * @param bytes as they came, beginning where a head is expected. Where a head is cut before its status, nothing is changed.
 */
export function disguiseContinue(bytes: Buffer): void {
  let at = 0
  // One look at one byte is all that an ordinary response costs.
  while (bytes[at + 9] === one && isInterim(bytes, at)) {
    if (bytes[at + 10] === zero && bytes[at + 11] === zero) {
      bytes[at + 10] = nine
      bytes[at + 11] = nine
    }
    const end = bytes.indexOf('\r\n\r\n', at + statusLineBytes, 'latin1')
    if (end < 0) return
    at = end + 4
  }
}

function isInterim(bytes: Buffer, at: number): boolean {
  return (
    bytes.length >= at + statusLineBytes && versionPrefix.compare(bytes, at, at + versionPrefix.length) === 0
  )
}
