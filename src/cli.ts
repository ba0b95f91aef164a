#!/usr/bin/env node
/**
 * Where `weir` begins. Everything else is loaded from here, which takes some tenths of a second, and until a process has asked for them
 * the signals that mean "reload" and "report" end it: a reload right behind the start would be the end of the service. Who asks for one
 * before the configuration has been read has what he wants once it is. At SIGUSR1 Node opens a debugger for whoever is on this machine.
 */
for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
// Process 1, as in a container, is not ended by a signal that it has not asked for, and would never hear of it. Nothing runs yet that could
// drain; once something does, it listens as well.
if (process.pid === 1) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(0)
    })
  }
}
process.title = 'weir'

const { main } = await import('./command-line.ts')
process.exit(await main(process.argv.slice(2)))
