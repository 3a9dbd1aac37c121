import type { MetricComparison, MetricVerdict } from '../../core/rollout/compare.ts'
import type { RolloutDecision } from '../../core/rollout/decide.ts'
import type { RolloutState } from '../../core/rollout/state.ts'
import type { AliasHolder } from '../answers.ts'
import { apiPath, ask, json } from '../api.ts'
import { countText, durationText, figure } from '../format.ts'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useGet } from '../use.ts'
import { ActForm } from './act.tsx'
import { percentText } from './alias-text.ts'
import { Part, Ready } from './page.tsx'
import { ChangeShare, EndSplit, PromoteChallenger } from './split-acts.tsx'
import { Facts, Table } from './table.tsx'
import { Badge, Time, type Tone } from './words.tsx'

const EVERY_MS = 10_000

const decisions: Readonly<Record<RolloutDecision['decision'], { readonly words: string; readonly tone: Tone }>> = {
  promote: { words: 'give it to all', tone: 'good' },
  'step-up': { words: 'step up', tone: 'good' },
  keep: { words: 'wait', tone: 'plain' },
  rollback: { words: 'take it back', tone: 'bad' },
}

const verdicts: Readonly<Record<MetricVerdict, { readonly words: string; readonly tone: Tone }>> = {
  'not-worse': { words: 'within the margin', tone: 'good' },
  worse: { words: 'worse', tone: 'bad' },
  open: { words: 'not told yet', tone: 'plain' },
  'too-few': { words: 'too few consumers', tone: 'plain' },
}

type Props = { readonly model: string; readonly holder: AliasHolder; readonly moved: () => void }

/** An alias of which a share of the consumers gets another version. */
export function Split({ model, holder, moved }: Props) {
  const may = useMay()
  const { alias, version, split, sequence } = holder
  if (split === undefined) return null
  const link = (number: number) => <a href={linkTo('models', model, number)}>v{number}</a>
  return (
    <Part title={`${alias} is split`}>
      <p>
        {link(split.number)} goes to {percentText(split.share)} of the consumers, {link(version)} to the others.{' '}
        <meter
          min={0}
          max={10_000}
          value={split.share}
          aria-label={`Share of the consumers of ${alias} that get v${split.number}`}
        />
      </p>
      {may('release.read') && <Standing key={sequence} model={model} holder={holder} moved={moved} />}
      {may('alias.move') && (
        <div key={sequence}>
          <ChangeShare model={model} holder={holder} moved={moved} />
          <PromoteChallenger model={model} holder={holder} moved={moved} />
          <EndSplit model={model} holder={holder} moved={moved} />
        </div>
      )}
    </Part>
  )
}

function Standing({ model, holder: { alias }, moved }: Props) {
  const may = useMay()
  const state = useGet<RolloutState>(`${apiPath('models', model, 'rollout')}?alias=${alias}`, EVERY_MS)
  return (
    <Ready of={state}>
      {(value) => (
        <>
          <Facts
            of={[
              ['Since', <Time at={value.startedAt} />],
              ['This share since', <Time at={value.since} />],
              ['Reports', countText(value.reports, 'report')],
              ...planFacts(value),
            ]}
          />
          <Decided state={value} />
          {may('alias.move') && <Apply state={value} moved={moved} />}
        </>
      )}
    </Ready>
  )
}

function planFacts({ plan, decision }: RolloutState) {
  if (plan === null) return []
  const alone = { false: 'nothing', rollback: 'goes back', both: 'goes back and forward' } as const
  const wait = decision?.waitMs
  return [
    ['Steps', plan.steps.map(percentText).join(', ')],
    ['Wrong at most', `in ${plan.alpha * 100} % of such rollouts`],
    ['The coordinator by itself', alone[plan.automatic === false ? 'false' : plan.automatic]],
    ...(wait === undefined ? [] : [['The step lasts at least', `${durationText(wait)} more`] as const]),
  ] as const
}

function Decided({ state: { plan, decision, champion, challenger } }: { readonly state: RolloutState }) {
  if (plan === null || decision === null) {
    return <p>The plan of v{challenger} has no rule for this alias: a person decides.</p>
  }
  const { words, tone } = decisions[decision.decision]
  const to = decision.share === undefined ? '' : ` to ${percentText(decision.share)}`
  return (
    <>
      <p>
        By the plan: <Badge tone={tone}>{`${words}${to}`}</Badge>
      </p>
      <ul>
        {decision.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      <Table
        caption="Both sides by metric"
        head={['Metric', `v${champion}`, `v${challenger}`, 'Worse by', 'Margin', 'Verdict']}
        rows={decision.metrics.map(({ metric, champion: one, challenger: other, harm, margin, verdict }) => [
          metric,
          sideText(one),
          sideText(other),
          harm === null ? '–' : `${figure(harm.low)} to ${harm.high === null ? 'any' : figure(harm.high)}`,
          figure(margin),
          <Badge key="verdict" tone={verdicts[verdict].tone}>
            {verdicts[verdict].words}
          </Badge>,
        ])}
      />
    </>
  )
}

function sideText({ value, counted, consumers }: MetricComparison['champion']): string {
  return `${figure(value)} of ${Math.round(counted)} (${countText(consumers, 'consumer')})`
}

/** Does what the plan says, where there is something to do; what is done is what was shown. */
function Apply({ state, moved }: { readonly state: RolloutState; readonly moved: () => void }) {
  const { model, alias, sequence, decision } = state
  if (decision === null || decision.decision === 'keep') return null
  const to = decision.share === undefined ? '' : ` to ${percentText(decision.share)}`
  return (
    <ActForm
      title={`Do it: ${decisions[decision.decision].words}${to}`}
      explanation="It is done as the plan says, with the reasons above on record."
      act={async () => {
        await ask('POST', apiPath('models', model, 'rollout'), json({ alias, expect: sequence }))
        moved()
      }}
      done={() => 'Done.'}
    />
  )
}
