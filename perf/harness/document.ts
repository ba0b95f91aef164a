/** Where a program writes into a document that people write otherwise. Both are whole lines. */
export interface Markers {
  readonly begin: string
  readonly end: string
}

/**
 * A document with another text between two markers.
 *
 * @throws {SyntaxError} if they are not there, in this order.
 */
export function withText(document: string, markers: Markers, text: string): string {
  const begin = document.indexOf(markers.begin)
  const end = document.indexOf(markers.end)
  if (begin < 0 || end < begin)
    throw new SyntaxError(`expected "${markers.begin}" and later "${markers.end}" in the document`)
  return `${document.slice(0, begin + markers.begin.length)}\n\n${text}\n\n${document.slice(end)}`
}
