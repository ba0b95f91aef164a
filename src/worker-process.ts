/**
 * Where a worker in a process of its own begins; WEIR_WORKER carries its number. As in cli.ts everything else is loaded from here, since
 * until a process has asked for them, signals end it, or open a debugger (SIGUSR1). Those that mean something mean it to the control process, but
 * a terminal sends them to the whole process group, and `pkill` to whatever has the name. SIGTERM ends a worker that serves nobody yet.
 */
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
const number = Number(process.env.WEIR_WORKER ?? 1)
process.title = `weir: worker ${number}`

const { runWorker } = await import('./forked-worker.ts')
runWorker(number)
