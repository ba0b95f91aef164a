import { setFlagsFromString } from 'node:v8'

/** Do two objects have the same hidden class, as V8 itself sees it? */
export function haveSameShape(a: object, b: object): boolean {
  setFlagsFromString('--allow-natives-syntax')
  const check = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean
  return check(a, b)
}
