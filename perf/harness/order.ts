/** In which order rows have their turns. */

/** The same list in an order that chance decides: all are as likely. @param random 0 or more, below 1 */
export function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const order = [...list]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const one = order[last]!
    order[last] = order[other]!
    order[other] = one
  }
  return order
}

/** The same list, beginning with another one. */
export function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
