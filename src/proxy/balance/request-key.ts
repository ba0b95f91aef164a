/**
 * Where in a request the text stands that `hash` and `sticky` go by. Nothing is cut out or decoded: a place is found, and
 * the text hashed where it is.
 */
import type { HashKey } from '../../plan/balance-plan.ts'
import { hashText } from './hash-text.ts'
import type { Balanced } from './policy.ts'

const semicolon = 0x3b
const space = 0x20
const equals = 0x3d

/** The hash of what a policy goes by, 0 to 2^32 - 1, or -1: the request has no such thing. */
export type KeyOf = (request: Balanced) => number

export function keyOf(by: HashKey): KeyOf {
  if (by === 'address') return ({ address }) => (address === '' ? -1 : hashText(address))
  if (by === 'path') return ({ head }) => hashText(head.target, 0, pathEnd(head.target))
  if ('header' in by && by.header === 'host')
    return ({ head }) => (head.host === '' ? -1 : hashText(head.host))
  if ('header' in by) return ({ head }) => hashHeader(head.headers, by.header)
  if ('cookie' in by) return ({ head }) => hashCookie(head.headers, by.cookie)
  return ({ head }) => hashQuery(head.target, by.query)
}

/** The value of the first header field with this name, or null. @param name in lower case */
export function headerOf(headers: readonly string[], name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) return headers[index + 1] as string
  }
  return null
}

/**
 * Where the value of the first cookie with this name begins in a Cookie field (RFC 6265, section 4.2.1: `a=1; b=2`), or -1.
 * @param cookies the field's value
 */
export function cookieStart(cookies: string, name: string): number {
  let at = 0
  while (at < cookies.length) {
    while (cookies.charCodeAt(at) === space) at++
    const end = at + name.length
    if (cookies.charCodeAt(end) === equals && cookies.startsWith(name, at)) return end + 1
    const next = cookies.indexOf(';', at)
    if (next === -1) return -1
    at = next + 1
  }
  return -1
}

/** Where the value that begins there ends. */
export function cookieEnd(cookies: string, start: number): number {
  let end = start
  while (end < cookies.length && cookies.charCodeAt(end) !== semicolon) end++
  while (end > start && cookies.charCodeAt(end - 1) === space) end--
  return end
}

function pathEnd(target: string): number {
  const query = target.indexOf('?')
  return query === -1 ? target.length : query
}

function hashHeader(headers: readonly string[], name: string): number {
  const value = headerOf(headers, name)
  return value === null || value === '' ? -1 : hashText(value)
}

function hashCookie(headers: readonly string[], name: string): number {
  const cookies = headerOf(headers, 'cookie')
  const start = cookies === null ? -1 : cookieStart(cookies, name)
  if (start === -1) return -1
  const end = cookieEnd(cookies as string, start)
  return end === start ? -1 : hashText(cookies as string, start, end)
}

/** The first parameter with this name in the query, as it is written (`a=1&b=2`). */
function hashQuery(target: string, name: string): number {
  let at = target.indexOf('?') + 1
  if (at === 0) return -1
  while (at < target.length) {
    const next = target.indexOf('&', at)
    const end = next === -1 ? target.length : next
    const value = at + name.length + 1
    if (target.charCodeAt(value - 1) === equals && target.startsWith(name, at) && value <= end) {
      return value === end ? -1 : hashText(target, value, end)
    }
    at = end + 1
  }
  return -1
}
