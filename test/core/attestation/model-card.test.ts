import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { code, inline, oneLine, proseLines } from '../../../core/attestation/model-card/escape.ts'
import { modelCard } from '../../../core/attestation/model-card/model-card.ts'
import { card } from './card.ts'

const split = (readme: string) => {
  const [, front = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(readme) ?? []
  return { front, body }
}

describe('a model card', () => {
  it('has the front matter of Hugging Face', () => {
    const { front } = split(modelCard(card()).readme)
    const value = parse(front)
    expect(value).toMatchObject({
      language: ['en'],
      license: 'other',
      license_name: 'House license',
      tags: ['federated-learning', 'cardiology'],
      datasets: ['heart'],
      metrics: ['auc', 'loss'],
      base_model: 'heart-risk/6',
    })
    expect(value['model-index']).toEqual([
      {
        name: 'heart-risk',
        results: [
          {
            task: { type: 'tabular-classification', name: 'Heart disease' },
            dataset: { type: 'private', name: 'held-out rows of the federation' },
            metrics: [{ type: 'auc', value: 0.812346, name: 'auc (gate auc-min)' }],
          },
          {
            task: { type: 'tabular-classification', name: 'Heart disease' },
            dataset: { type: 'private', name: 'Site 1 (pseudonym)' },
            metrics: [{ type: 'auc', value: 0.81, name: 'auc' }],
          },
        ],
      },
    ])
    expect(front).not.toContain('verifyToken')
  })

  it('has all sections, what was overridden first', () => {
    const { body } = split(modelCard(card()).readme)
    expect(body.match(/^## .*$/gm)).toEqual([
      '## Deviations',
      '## Intended use',
      '## Not intended',
      '## Version and how to verify it',
      '## Participants and data',
      '## Training',
      '## Privacy',
      '## Robustness',
      '## Results',
      '## Limits',
      '## Ethics',
      '## Changes since the last version',
      '## Contact',
      '## Withdrawal',
    ])
    expect(body).toContain('| `auc-min` | auc | at least 0.80 | 0.8123 | 0.78 to 0.84 | 400 | pass |')
    expect(body).toContain('| `odd` | loss | x | – | – | 0 | **failed, overridden** |')
    expect(modelCard({ ...card(), privacy: null }).readme).toContain('No differential privacy.')
    expect(modelCard({ ...card(), deviations: [], gates: card().gates.slice(0, 1) }).readme).not.toContain('Deviations')
  })

  it('refers to each of its plots by a relative link, and to nothing else', () => {
    const { readme, plots } = modelCard(card())
    const links = [...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, link]) => link)
    expect(links).toEqual([...plots.keys()])
    expect(links).toEqual([
      'plots/learning-curve.svg',
      'plots/roc.svg',
      'plots/calibration.svg',
      'plots/by-site-1.svg',
      'plots/by-subgroup-1.svg',
    ])
    const { learningCurve: _curve, scores: _scores, ...bare } = card()
    expect(modelCard({ ...bare, sites: [], subgroups: [] }).plots.size).toBe(0)
  })

  it('is the same for the same facts', () => {
    expect(modelCard(card())).toEqual(modelCard(card()))
  })

  it('is refused with the list of all that is missing', () => {
    const facts = card()
    const author = { ...facts.author, intendedUse: ' \n ', limits: [' '], license: { id: 'other' } }
    const { dataPeriod: _period, ...rest } = author
    const incomplete = { ...facts, author: rest, gates: [], participants: { kind: 'x', pseudonyms: [] } }
    expect(() => modelCard(incomplete)).toThrow(
      expect.objectContaining({
        code: 'request.invalid',
        message:
          'the model card lacks: intended use, period of the data, limits, name of the license, participants, results of the gates',
      }),
    )
    expect(() => modelCard({ ...facts, deviations: [] })).toThrow('lacks: reason to override the gate odd')
    expect(() => modelCard({ ...facts, author: {} })).toThrow('summary, intended use, uses that are not intended')
  })
})

/** What Markdown would take for structure once what is escaped is gone. */
const bare = (text: string) =>
  text.replace(/\\[!-/:-@[-`{-~]|&(?:amp|lt|gt);|`[^`\n]*`/g, (found) => (found.startsWith('`') ? '`' : 'x'))

const isInert = (line: string) =>
  !/[`*_{}[\]#|~$^<>\\&\n\r\u2028\u2029\u0085\t]/.test(bare(line)) &&
  !/^(?:\d+[.)](?:\s|$)|[-+=:])/.test(bare(line)) &&
  !/:\/\/|www\.|mailto:|xmpp:/i.test(bare(line)) &&
  line === line.trim()

/** Which signs of Markdown stand where, without the words between. */
const skeleton = (body: string) => bare(body).replace(/[^`*_{}[\]#|~$^<>\\&\n]/g, '')

const hostile = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          ...['\n', '\r\n', '---', '\n---\n', '"', "'", '\\', '`', '```', '*', '_', '#', '# ', '- ', '1. ', '> ', '|'],
          ...['<script>', '</title>', '<!--', ']]>', '&lt;', '&#60;', '[a](b)', '![', '](', 'http://a.b', 'www.a.b'],
          ...['$$', '~~', ': ', '{{', '\t', '    ', '\0', '\u2028', '\u202e', '\ufeff', '\ud800', '===', '%', '!', 'é'],
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  )
  .filter((text) => oneLine(text) !== '')

describe('text from outside', () => {
  it('stays text in a paragraph', () => {
    fc.assert(fc.property(hostile, (text) => void expect([text, isInert(inline(text))]).toEqual([text, true])))
    fc.assert(
      fc.property(hostile, (text) => {
        for (const line of proseLines(text)) expect([text, isInert(line)]).toEqual([text, true])
      }),
    )
  })

  it('stays text in code', () => {
    fc.assert(fc.property(hostile, (text) => void expect(code(text)).toMatch(/^`[^`|\n\r]+`$/u)))
  })

  it('changes neither the front matter’s keys nor the structure of the card', () => {
    const usual = split(modelCard(card('word')).readme)
    fc.assert(
      fc.property(hostile, (text) => {
        const { front, body } = split(modelCard(card(text)).readme)
        const value = parse(front)
        expect(Object.keys(value)).toEqual(Object.keys(parse(usual.front)))
        expect(parse(front, { version: '1.1' })).toEqual(value)
        expect(value.tags).toContain(oneLine(text))
        expect(value['model-index'][0].name).toBe(oneLine(text))
        expect(front.split('\n').length).toBe(usual.front.split('\n').length)
        expect(skeleton(body)).toBe(skeleton(usual.body))
      }),
      { numRuns: 300 },
    )
  })

  it('does not get into the structure of a plot', () => {
    const tags = (svg: string) => svg.replace(/>[^<]*</g, '><').replace(/ (?:x|y|d|width|height|viewBox)="[^"]*"/g, '')
    const usual = modelCard(card('word')).plots
    fc.assert(
      fc.property(hostile, (text) => {
        for (const [path, svg] of modelCard(card(text)).plots) {
          expect(tags(svg)).toBe(tags(usual.get(path) ?? ''))
          expect(svg).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/)
        }
      }),
    )
  })

  it('can still be read', () => {
    expect(inline('Site 3: 1.5 mg/l (mean), see run_1 & <b>')).toBe(
      'Site 3: 1.5 mg/l (mean), see run\\_1 &amp; &lt;b&gt;',
    )
    expect(inline('1. first\n- second')).toBe('1\\. first - second')
    expect(inline('https://a.b')).toBe('https\\://a.b')
    expect(proseLines('one\ntwo\n\n# three')).toEqual(['one two', '', '\\# three'])
    expect(proseLines(['one', ' ', 'two'])).toEqual(['- one', '- two'])
  })
})
