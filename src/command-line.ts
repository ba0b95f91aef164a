/** The command line: commands, flags, signals and exit codes. Everything else is built from here. */
import { readFileSync } from 'node:fs'
import { didYouMean } from './config/did-you-mean.ts'
import { loadConfig, readConfig, renderProblems } from './config/load.ts'
import { checkBind } from './control/bind-check.ts'
import { ControlPlane } from './control/control-plane.ts'
import { directOutput, makeLogger, standardOutput } from './log.ts'
import { loadBinding } from './native/uws.ts'
import type { Plan } from './plan/plan.ts'
import { unkeptLimits } from './proxy/connection-limits.ts'
import { inlineWorker, processWorkers } from './start-worker.ts'
import { parseCommandLine, UsageError } from './usage-error.ts'

const exitCodes = { clean: 0, failure: 1, usage: 2 } as const

const help = `usage: weir [command] [options]

commands
  run       run in the foreground (the default)
  check     print every error of the configuration, or that it is valid
  demo      start three small servers and a balancer in front of them

options
  -c, --config FILE   the configuration; ./config.json by default
  --inline            control plane and one worker in this process, for profilers and debuggers
  --pretty            log for people instead of JSON lines; the default with demo
  -h, --help          print this
  -v, --version       print the version

signals
  SIGTERM, SIGINT   drain: stop accepting, finish what is in flight, exit; a second one ends at once
  SIGHUP            reload the configuration; a bad one is refused and changes nothing
  SIGUSR2           log each worker's statistics
`

const commands = ['run', 'check', 'demo'] as const
type Command = (typeof commands)[number]

const flags = {
  config: { type: 'string', short: 'c' },
  inline: { type: 'boolean' },
  pretty: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

interface Options {
  readonly command: Command
  readonly config: string
  readonly inline: boolean
  readonly pretty: boolean
}

/** @throws {UsageError} */
function readOptions(args: string[]): Options | 'help' | 'version' {
  const { values, positionals } = parseCommandLine({ args, allowPositionals: true, options: flags })
  if (values.help) return 'help'
  if (values.version) return 'version'
  const [word = 'run', ...rest] = positionals
  const command = commands.find((name) => name === word)
  if (command === undefined) {
    const hint = didYouMean(word, commands) ?? `the commands are ${commands.join(', ')}`
    throw new UsageError(`unknown command "${word}": ${hint}`)
  }
  if (rest.length > 0) throw new UsageError(`one command at a time, not also "${rest.join(' ')}"`)
  if (command === 'demo' && values.config !== undefined) {
    throw new UsageError('demo takes no --config: it brings its own configuration')
  }
  return {
    command,
    config: values.config ?? './config.json',
    inline: values.inline ?? false,
    pretty: values.pretty ?? command === 'demo',
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

function check(file: string): number {
  const result = loadConfig(file)
  if (!result.ok) {
    process.stderr.write(`${renderProblems(file, result.problems)}\n`)
    return exitCodes.usage
  }
  const warning = warningFor(result.plan)
  if (warning !== null) process.stderr.write(`warning: ${warning}\n`)
  process.stdout.write(`${file} is valid\n`)
  return exitCodes.clean
}

/** What is right by the file and will not be had on this machine. */
function warningFor(plan: Plan): string | null {
  try {
    return unkeptLimits(plan, loadBinding())
  } catch {
    // No binding loads: that is no matter of the configuration, and `run` says it.
    return null
  }
}

/** Runs until it is told to stop, or fails to start. @returns the exit code */
async function serve(
  plan: Plan,
  file: string | null,
  { inline, pretty }: Options,
  onReady?: () => void,
): Promise<number> {
  const formatter = pretty ? (await import('./pretty-output.ts')).prettyOutput() : null
  const output = formatter === null ? standardOutput(inline) : directOutput(formatter)
  const log = makeLogger(plan.log.level, {}, output)
  const startWorker = inline ? inlineWorker(log) : processWorkers(formatter)
  const control = new ControlPlane({ file, plan, log, startWorker, workersMax: inline ? 1 : null })
  return new Promise<number>((resolve) => {
    const end = (code: number): void => output.flush(() => resolve(code))
    let stopping = false
    const stop = (): void => {
      if (stopping) {
        control.kill()
        end(exitCodes.clean)
        return
      }
      stopping = true
      void control.drain().then(() => end(exitCodes.clean))
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => void control.reload())
    process.on('SIGUSR2', () => control.report())
    control.start().then(
      () => onReady?.(),
      (error: Error) => {
        if (stopping) return
        process.stderr.write(`weir: ${error.message}\n`)
        end(exitCodes.failure)
      },
    )
  })
}

async function run(options: Options): Promise<number> {
  const result = loadConfig(options.config)
  if (!result.ok) {
    process.stderr.write(`${renderProblems(options.config, result.problems)}; nothing was started\n`)
    return exitCodes.usage
  }
  return serve(result.plan, options.config, options)
}

async function demo(options: Options): Promise<number> {
  const { demoConfig, demoText } = await import('./demo/demo.ts')
  const { startOrigins } = await import('./demo/origins.ts')
  const origins = await startOrigins()
  const { port } = await checkBind({ host: '127.0.0.1', port: 8080 }).catch(() =>
    checkBind({ host: '127.0.0.1', port: 0 }),
  )
  const result = readConfig(JSON.stringify(demoConfig(origins, port)))
  if (!result.ok) throw new Error(renderProblems('the demo', result.problems))
  return serve(result.plan, null, options, () => process.stdout.write(demoText(origins, port)))
}

/** Does what a command line asks for. @param args without the program's name @returns the exit code */
export async function main(args: string[]): Promise<number> {
  try {
    return await obey(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`weir: ${error.message}\nTry "weir --help" for the commands and options.\n`)
    return exitCodes.usage
  }
}

async function obey(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (options === 'help') {
    process.stdout.write(help)
    return exitCodes.clean
  }
  if (options === 'version') {
    process.stdout.write(`${version()}\n`)
    return exitCodes.clean
  }
  if (options.command === 'check') return check(options.config)
  return options.command === 'demo' ? demo(options) : run(options)
}
