import { didYouMean } from './did-you-mean.ts'
import { type Finding, type Path, show } from './problem.ts'

/** Of the upstreams, in a message about one that does not exist. */
const shownNames = 10

/** No upstream has this name. @param names of those that there are */
export function unknownUpstream(path: Path, name: string, names: readonly string[]): Finding {
  const some = names.length > shownNames ? [...names.slice(0, shownNames), '...'] : names
  const expected =
    names.length === 0
      ? 'the name of an upstream, and there is none'
      : `one of the upstreams: ${some.join(', ')}`
  return { path, expected, found: show(name), hint: didYouMean(name, names) }
}
