/** Where what `npm run profile` has found stands for people to read. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withText } from '../harness/document.ts'
import type { Overhead } from './overhead.ts'
import {
  markers,
  picturesMarkers,
  profilersMarkers,
  renderOverhead,
  renderPictures,
  renderProfilers,
} from './tables.ts'

export interface Document {
  /** Below the checkout. */
  readonly path: string
  /**
   * Its text with what was found in place of what stands there.
   *
   * @throws {SyntaxError} if the markers are not there
   */
  readonly written: (text: string, overhead: Overhead) => string
}

export const documents: readonly Document[] = [
  {
    path: 'perf/README.md',
    written: (text, overhead) => {
      const layers = withText(text, markers, renderOverhead(overhead))
      const profilers = withText(layers, profilersMarkers, renderProfilers(overhead))
      return withText(profilers, picturesMarkers, renderPictures(overhead, 'profiles', null))
    },
  },
  {
    path: 'README.md',
    // One is enough to see what there is.
    written: (text, overhead) =>
      withText(text, picturesMarkers, renderPictures(overhead, 'perf/profiles', ['small'])),
  },
]

/** @param root of the checkout */
export function writeDocuments(root: string, overhead: Overhead): void {
  for (const { path, written } of documents) {
    const file = join(root, path)
    writeFileSync(file, written(readFileSync(file, 'utf8'), overhead))
  }
}
