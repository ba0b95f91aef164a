import type { Runtime } from 'node:inspector'
import { Session } from 'node:inspector'

/**
 * The fields of an object, private ones too, as the debugger sees them: primitives by value, objects by their class, and
 * those named in `into` by their own fields. For comparing an object that has been reset with a new one.
 */
export function stateOf(object: object, into: readonly string[] = []): Record<string, unknown> {
  const session = new Session()
  session.connect()
  try {
    const key = Symbol.for('weir.test.subject')
    ;(globalThis as Record<symbol, unknown>)[key] = object
    const { result } = post<Runtime.EvaluateReturnType>(session, 'Runtime.evaluate', {
      expression: "globalThis[Symbol.for('weir.test.subject')]",
    })
    return fields(session, result.objectId as string, into)
  } finally {
    session.disconnect()
  }
}

function fields(session: Session, objectId: string, into: readonly string[]): Record<string, unknown> {
  const found = post<Runtime.GetPropertiesReturnType & { privateProperties?: Runtime.PropertyDescriptor[] }>(
    session,
    'Runtime.getProperties',
    { objectId, ownProperties: true },
  )
  const state: Record<string, unknown> = {}
  for (const { name, value } of [...found.result, ...(found.privateProperties ?? [])]) {
    if (name === '__proto__' || value === undefined) continue
    const isOpened = into.includes(name) && value.objectId !== undefined
    state[name] = isOpened ? fields(session, value.objectId as string, into) : shown(value)
  }
  return state
}

function shown(value: Runtime.RemoteObject): unknown {
  if (value.objectId === undefined) return value.unserializableValue ?? value.value
  // An array's description carries its length.
  return value.type === 'function' ? 'function' : (value.description ?? value.className)
}

function post<R>(session: Session, method: string, parameters: object): R {
  let result: R | undefined
  session.post(method, parameters, (error, given) => {
    if (error !== null) throw new Error(`${method}: ${JSON.stringify(error)}`)
    result = given as R
  })
  return result as R
}
