/** How long the head of an endpoint's response may be, in bytes: for each way that it takes through Weir, the shorter ones first. */

/** Of a response that came whole and is read here (whole-response.ts). Longer heads are left to undici's parser. */
export const shortcutHeadBytesMax = 8_192
/**
 * Of what is passed on to the client. The binding gathers 16 KiB in a cork, and what goes beyond that may be lost on 20.51.4
 * (native-notes/01-lost-writes.md): this leaves room for the status line, the lines that it adds, and some body. Above: `bad_response`.
 */
export const forwardedHeadBytesMax = 14_000
/** Of what undici's parser takes, which is its own default, written down. Above: `bad_response`. */
export const parsedHeadBytesMax = 16_384
