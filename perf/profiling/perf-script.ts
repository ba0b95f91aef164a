/**
 * What `perf script -F comm,tid,time,ip,sym,dso` prints, as stacks:
 *
 *     weir 24653 21022.288636:
 *     	ffffffff82010ddb tcp_sendmsg ([kernel.kallsyms])
 *     	           f838f __GI___libc_write (/usr/lib/x86_64-linux-gnu/libc.so.6)
 *     	    7fc9dab65ecc [unknown] (/tmp/perf-24653.map)
 *
 * one sample after the other with a blank line between, leaf first.
 */
import type { Frame, Stack } from './layers.ts'
import type { JitCode } from './v8-log.ts'

export const perfScriptFields = 'comm,tid,time,ip,sym,dso'

/** How often each different stack was seen. */
export class StackCounts {
  readonly #counts = new Map<string, { readonly stack: Stack; count: number }>()
  total = 0

  add(stack: Stack, count = 1): void {
    const key = stack.map((frame) => frame.name).join('\n')
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { stack, count })
    else known.count += count
    this.total += count
  }

  *[Symbol.iterator](): IterableIterator<readonly [stack: Stack, count: number]> {
    for (const { stack, count } of this.#counts.values()) yield [stack, count]
  }
}

/**
 * Reads line by line: an output of half a minute has hundreds of megabytes.
 *
 * @param code names the addresses that perf has no name for
 */
export async function readPerfScript(
  lines: AsyncIterable<string> | Iterable<string>,
  code: JitCode,
): Promise<StackCounts> {
  const counts = new StackCounts()
  let stack: Frame[] = []
  let inSample = false
  const end = () => {
    if (inSample) counts.add(stack)
    stack = []
    inSample = false
  }
  for await (const line of lines) {
    if (line.trim() === '') end()
    else if (/^\s/.test(line)) stack.push(...framesOf(line, code))
    else {
      end()
      inSample = true
    }
  }
  end()
  return counts
}

const form = /^\s+([0-9a-f]+) (.*) \(([^()]*(?:\([^()]*\))?[^()]*)\)$/
const ofKernel = /^\[(kernel|guest)|^\[.*\]$|\.ko(\.\w+)?$/
const ofUws = /\/@?uws[^/]*\/.*\.node$|\/uws[^/]*\.node$/i

/** Several for one address of optimised code: innermost first. */
export function framesOf(line: string, code: JitCode): readonly Frame[] {
  const match = form.exec(line)
  if (match === null) return []
  const [, address = '', symbol = '', module = ''] = match
  if (/^f{4}/.test(address.padStart(16, '0'))) return [{ kind: 'kernel', name: symbol }]
  if (module !== '[unknown]' && module !== '[vdso]' && ofKernel.test(module))
    return [{ kind: 'kernel', name: symbol }]
  if (ofUws.test(module)) return [{ kind: 'uws', name: symbol === '[unknown]' ? 'uWebSockets.js' : symbol }]
  if (symbol !== '[unknown]') return [{ kind: 'native', name: symbol }]
  const names = code.find(Number.parseInt(address, 16))
  if (names.length > 0) return names.map((name) => ({ kind: 'js', name: name.trim() }))
  // Where a stack runs into code without frame pointers, what follows are no addresses.
  return module === '[unknown]' ? [] : [{ kind: 'native', name: module.split('/').at(-1)! }]
}
