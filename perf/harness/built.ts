/** Weir as it is delivered, which is measured where the stripping of types would count. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The built command line of a checkout.
 *
 * @throws {Error} if it is not there, or older than the sources: it would be measured under their revision
 */
export function builtWeir(root: string): string {
  const cli = join(root, 'dist/cli.js')
  const built = statSync(cli, { throwIfNoEntry: false })
  if (built === undefined) throw new Error(`${cli} is not there: npm run build`)
  const src = join(root, 'src')
  const newer = readdirSync(src, { recursive: true, encoding: 'utf8' }).find(
    (path) => path.endsWith('.ts') && statSync(join(src, path)).mtimeMs > built.mtimeMs,
  )
  if (newer !== undefined) throw new Error(`src/${newer} is newer than ${cli}: npm run build`)
  return cli
}
