/** Numbers of several bytes out of buffers, read without a call. */
export class MemoryView {
  /** On the memory that was looked at last, which nearly always is the one that all connections are read into (endpoint-socket.ts). */
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** @returns a view on all of the memory that the bytes are in: they begin at their `byteOffset` */
  of(bytes: Buffer): DataView {
    const memory = bytes.buffer
    if (this.#view.buffer !== memory) this.#view = new DataView(memory)
    return this.#view
  }
}
