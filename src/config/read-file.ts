import { closeSync, openSync, readSync } from 'node:fs'
import { limits } from './limits.ts'
import { type Finding, show } from './problem.ts'
import { formatSize } from './size.ts'

/** The text of a configuration file, or why there is none. Reads pipes too, so `--config <(generate)` works. */
export function readConfigFile(file: string): string | Finding {
  let bytes: Buffer
  try {
    bytes = readAtMost(file, limits.fileBytes + 1)
  } catch (error) {
    return unreadable(file, error as NodeJS.ErrnoException)
  }
  if (bytes.length > limits.fileBytes) {
    return wrong(`a file of at most ${formatSize(limits.fileBytes)}`, 'a larger one', null)
  }
  return decode(bytes)
}

function readAtMost(file: string, limit: number): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const buffer = Buffer.allocUnsafe(limit)
    let length = 0
    while (length < limit) {
      const count = readSync(descriptor, buffer, length, limit - length, null)
      if (count === 0) break
      length += count
    }
    return buffer.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

function unreadable(file: string, error: NodeJS.ErrnoException): Finding {
  switch (error.code) {
    case 'ENOENT':
      return wrong('a configuration file', `no file ${show(file)}`, 'name another with --config FILE')
    case 'EISDIR':
      return wrong(
        'a configuration file',
        `${show(file)} is a directory`,
        'name the file in it with --config FILE',
      )
    case 'EACCES':
      return wrong(
        'a file that may be read',
        `permission denied for ${show(file)}`,
        'check the owner and mode of the file',
      )
    default:
      return wrong('a file that can be read', error.message, null)
  }
}

function decode(bytes: Buffer): string | Finding {
  const save = 'save the file as UTF-8 without a byte order mark'
  const start = bytes.subarray(0, 3).toString('hex')
  if (start === 'efbbbf')
    return wrong('JSON in UTF-8, without a byte order mark', 'a byte order mark at the start', save)
  if (start.startsWith('fffe') || start.startsWith('feff')) return wrong('JSON in UTF-8', 'UTF-16', save)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return wrong('JSON in UTF-8', 'bytes that are not UTF-8', save)
  }
  if (text.trim() !== '') return text
  return wrong(
    'a JSON object',
    'an empty file',
    'the smallest is {"upstreams": {"app": ["http://127.0.0.1:9001"]}}',
  )
}

function wrong(expected: string, found: string, hint: string | null): Finding {
  return { path: [], expected, found, hint }
}
