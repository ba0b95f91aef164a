/** A command line that cannot be understood, and what is said of it: Weir's own, and those of perf/. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { didYouMean } from './config/did-you-mean.ts'

/** The message is for a person: what is wrong, and what was probably meant or would have been right. */
export class UsageError extends Error {}

/** As `parseArgs`. @throws {UsageError} */
export function parseCommandLine<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(faultOf(error as NodeJS.ErrnoException, config))
  }
}

/** Of Node's message the first sentence; what follows it is about positional arguments that begin with "-". */
function faultOf({ code, message }: NodeJS.ErrnoException, config: ParseArgsConfig): string {
  const [sentence = message] = message.split(/\. |\.?\n/, 1)
  const fault = sentence.charAt(0).toLowerCase() + sentence.slice(1)
  const option = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'--([^']+)'/.exec(sentence)?.[1] : undefined
  const hint = option === undefined ? null : didYouMean(option, optionsOf(config))
  return hint === null ? fault : `${fault}: ${hint.replace('"', '"--')}`
}

function optionsOf({ options = {}, allowNegative = false }: ParseArgsConfig): string[] {
  const names = Object.keys(options)
  const switches = allowNegative ? names.filter((name) => options[name]?.type === 'boolean') : []
  return [...names, ...switches.map((name) => `no-${name}`)]
}

/**
 * For a name that nothing has: what was probably meant, else what there is.
 * @param what that it should be the name of, as in `no peer is called`
 */
export function noSuch(
  what: string,
  name: string,
  known: readonly string[],
  listed = known.join(', '),
): UsageError {
  const hint = didYouMean(name, known)
  return new UsageError(
    `no ${what} is called "${name}"${hint === null ? `; there are: ${listed}` : `: ${hint}`}`,
  )
}
