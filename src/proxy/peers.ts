/**
 * Where the connections of a listener come from, as long as that is one place: behind another proxy it always is. The binding
 * asks the kernel for a peer's address at each request, and makes three objects of the answer (native-notes/24-what-did-not-help.md);
 * while all connections have had the same one, a request need not ask.
 *
 * Invariant: once two connections had different addresses, `sole` is null for good. It does not depend on when connections
 * close, so that no error in counting them could give a client another one's address.
 */
export class Peers {
  /** The address that every connection so far has had, as `clientAddress` gives it; null: they differ, or there was none yet. */
  sole: string | null = null
  #differ = false

  /** A connection has opened. @param address asked for only if it makes a difference */
  opened(address: () => string): void {
    if (this.#differ) return
    const text = address()
    this.sole ??= text
    if (text === this.sole) return
    this.#differ = true
    this.sole = null
  }
}
