/** undici's own parser, the WebAssembly half of it, by itself: what it makes of a response that stands at the beginning of bytes. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const responseType = 2

export interface ParsedResponse {
  status: number
  readonly fields: [name: string, value: string][]
  body: string
  keepAlive: boolean
  /** Bytes up to the end of the first response; -1: it has not come to it, or refuses it. */
  end: number
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  malloc(bytes: number): number
  free(at: number): void
  llhttp_execute(parser: number, at: number, bytes: number): number
  llhttp_get_error_pos(parser: number): number
}

/** What `wasm_on_message_complete` returns to stop behind the first. */
const paused = 21

let parsed: ParsedResponse
let readText: (at: number, bytes: number) => string
const fieldOf = () => parsed.fields.at(-1) as [string, string]

const wasm = load()

/** The part of it that is used; Node's types have none of it. */
interface WebAssemblyNamespace {
  readonly Module: new (code: Buffer) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

function load(): Exports {
  const { Instance, Module } = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyNamespace
  const code = require('undici/lib/llhttp/llhttp-wasm.js') as Buffer
  const env = {
    wasm_on_url: () => 0,
    wasm_on_status: () => 0,
    wasm_on_message_begin: () => 0,
    wasm_on_header_field: (_: number, at: number, bytes: number) => {
      parsed.fields.push([readText(at, bytes), ''])
      return 0
    },
    wasm_on_header_value: (_: number, at: number, bytes: number) => {
      fieldOf()[1] += readText(at, bytes)
      return 0
    },
    wasm_on_headers_complete: (_: number, status: number, _upgrade: number, keepAlive: number) => {
      parsed.status = status
      parsed.keepAlive = keepAlive === 1
      return 0
    },
    wasm_on_body: (_: number, at: number, bytes: number) => {
      parsed.body += readText(at, bytes)
      return 0
    },
    wasm_on_message_complete: () => {
      parsed.end = 0
      return paused
    },
  }
  return new Instance(new Module(code), { env }).exports as Exports
}

export function parseResponse(bytes: Buffer): ParsedResponse {
  const parser = wasm.llhttp_alloc(responseType)
  const at = wasm.malloc(Math.max(1, bytes.length))
  parsed = { status: 0, fields: [], body: '', keepAlive: false, end: -1 }
  readText = (from, length) => bytes.latin1Slice(from - at, from - at + length)
  try {
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes)
    const result = wasm.llhttp_execute(parser, at, bytes.length)
    if (result === paused) parsed.end = wasm.llhttp_get_error_pos(parser) - at
    else parsed.end = -1
    return parsed
  } finally {
    wasm.free(at)
    wasm.llhttp_free(parser)
  }
}
