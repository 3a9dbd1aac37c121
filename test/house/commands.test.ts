/** Every command that the manual shows is one that the program understands, with these options and so many arguments. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { problemIn, wordsOf } from '../support/command-lines.ts'
import { root } from '../support/source-files.ts'

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    // What is missing is called by the names that it will have.
    .filter((name) => name.endsWith('.md') && name !== 'roadmap.md')
    .map((name) => `docs/${name}`),
]

/** Lines of blocks of code, of which those that end in a backslash go on, and words in single back quotes. */
function commandsIn(text: string): { readonly lines: string[]; readonly words: string[] } {
  const lines = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)]
    .flatMap(([, block]) => block!.replace(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => /^\s*(?:\$ |[\w ./=-]* )?(?:npx )?parley ([a-z][a-z-]*(?: .*)?)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
  const words = [
    ...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/(?<!`)`(?:npx )?parley ([a-z][^`\n]*)`(?!`)/g),
  ].map(([, word]) => word!)
  return { lines, words }
}

/** What may be left out stands in brackets, or is dots. */
function shownProblem(line: string, whole: boolean): string | undefined {
  const command = line.replace(/ #.*/, '')
  const plain = command.replace(/[[\]]|…|\.\.\./g, ' ')
  return problemIn(wordsOf(plain), whole && plain === command)
}

describe.each(pages)('%s', (page) => {
  const { lines, words } = commandsIn(readFileSync(join(root, page), 'utf8'))

  test('shows no command that there is not', () => {
    const wrong = [
      ...lines.map((line) => ({ line, problem: shownProblem(line, true) })),
      ...words.map((line) => ({ line, problem: shownProblem(line, false) })),
    ].filter(({ problem }) => problem !== undefined)
    expect(wrong).toEqual([])
  })
})

test('a command that there is not, an option that it has not, and too few arguments are found', () => {
  expect(problemIn(['bakup', 'create'])).toContain('no command bakup')
  expect(problemIn(['backup', 'create', 'FILE', '--hom', 'x'])).toContain('no option --hom')
  expect(problemIn(['backup', 'create'])).toContain('takes 1 arguments, not 0')
  expect(problemIn(['backup', 'restore', 'FILE'])).toContain('needs --home')
  expect(problemIn(['client', '--home', 'x'])).toBeUndefined()
})
