import { dark, light, variables } from './colours.ts'
import { Markup } from './markup.ts'
import { surfaceRules } from './textures.ts'

const each = (n: number, rule: (i: number) => string) => Array.from({ length: n }, (_, i) => rule(i)).join('\n')

const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '12 3', '4 2', '1 4', '9 3 2 3 2 3']

const page = `
*{box-sizing:border-box}
html{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;color:var(--text);background:var(--ground);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1264px;padding:32px 24px 64px}
h1,h2,h3,p,dl,ul,figure{margin:0;padding:0}
h1{font-size:26px;line-height:1.25;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere;text-wrap:balance}
h2{font-size:19px;line-height:1.3;font-weight:650;padding-top:20px;border-top:1px solid var(--rule)}
h3{font-size:14px;line-height:1.35;font-weight:650}
ul{list-style:none}
a{color:var(--link)}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.kind{color:var(--muted);font-size:13px;margin-bottom:4px}
.lead{color:var(--muted);max-width:78ch;margin-top:6px;overflow-wrap:anywhere}
header .lead{white-space:pre-line}
section{margin-top:40px}
nav{margin-top:28px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 20px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.defs{position:absolute}
`

const blocks = `
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,168px),1fr));gap:1px;margin-top:24px;background:var(--panel);border:1px solid var(--rule);border-radius:8px;overflow:hidden}
.tiles li{background:var(--panel);padding:12px 16px 10px;min-width:0;box-shadow:0 0 0 1px var(--rule)}
.tiles .name{display:block;color:var(--muted);font-size:13px}
.tiles strong{display:block;font-size:21px;line-height:1.35;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tiles .note{display:block;color:var(--muted);font-size:12.5px;line-height:1.4;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:0 32px;margin-top:20px}
.facts div{display:grid;grid-template-columns:104px minmax(0,1fr);gap:12px;padding:7px 0;border-bottom:1px solid var(--rule)}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere}
.facts code{font-size:11.5px}
.notice{margin-top:20px;padding:10px 16px;border-left:4px solid var(--bad);background:var(--panel);border-radius:0 6px 6px 0;overflow-wrap:anywhere}
.notice.good{border-color:var(--good)}
.notice b{color:var(--bad)}
.notice.good b{color:var(--good)}
.grid{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:0 32px;align-items:start}
.grid>*{grid-row:span 4;margin-top:24px;min-width:0}
figure{display:grid;grid-template-rows:subgrid;grid-template-columns:minmax(0,1fr);align-content:start;row-gap:0}
figcaption p{color:var(--muted);font-size:13px;line-height:1.45;margin-top:2px;max-width:92ch}
.span2{grid-column:span 2}
.span3{grid-column:1/-1}
.scroll{overflow-x:auto;max-width:100%}
figure>.scroll{margin-top:8px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;margin-top:6px;font-size:13px;line-height:1.5}
.legend li{overflow-wrap:anywhere}
.swatch{vertical-align:-1px;margin-right:2px;overflow:visible}
.sign{display:inline-block;min-width:12px;text-align:center;font-weight:600}
details{margin-top:8px;font-size:13px}
summary{cursor:pointer;color:var(--muted);width:max-content}
summary:hover{color:var(--text)}
details .scroll{max-height:420px;overflow:auto;margin-top:6px;border:1px solid var(--rule);border-radius:6px}
table{border-collapse:collapse;font-size:13px;line-height:1.4;font-variant-numeric:tabular-nums;min-width:100%}
section>.scroll,.block>.scroll{margin-top:8px}
.block>.lead{font-size:13px;line-height:1.45;margin-top:2px}
section>.block{margin-top:12px}
.ramp{display:flex;align-items:flex-start;gap:10px;font-size:13px;line-height:1;color:var(--muted);margin:2px 0 8px}
.ramp svg{flex:none}
th,td{text-align:left;padding:5px 12px;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
th{font-weight:500}
thead th{font-weight:600;color:var(--muted);position:sticky;top:0;background:var(--ground)}
td.n,th.n{text-align:right}
section>.scroll tr>:first-child,.block>.scroll tr>:first-child{padding-left:0}
section>.scroll tr>:last-child,.block>.scroll tr>:last-child{padding-right:0}
.grid .block th,.grid .block td{padding:5px 8px}
td .w{display:inline-block;white-space:normal;min-width:22ch;max-width:52ch;overflow-wrap:anywhere}
.under{display:block;white-space:normal;overflow-wrap:anywhere;color:var(--muted);font-size:12.5px}
tr:last-child>*{border-bottom:0}
.better{color:var(--good)}
.worse{color:var(--bad)}
`

const plots = `
svg{display:block}
.swatch{display:inline-block}
svg.plot{height:auto;max-width:100%;font-size:12px;font-variant-numeric:tabular-nums;fill:var(--text)}
svg.plot.fluid{width:100%;max-width:520px}
.axis{fill:var(--muted)}
.rule{stroke:var(--rule);stroke-width:1;fill:none;shape-rendering:crispEdges}
.base{stroke:var(--muted);stroke-width:1;fill:none;shape-rendering:crispEdges}
.line{stroke:var(--c);stroke-width:2;fill:none;stroke-linejoin:round;stroke-linecap:butt}
.dot{fill:var(--c);stroke:var(--ground);stroke-width:1}
.band{fill:var(--c);fill-opacity:.18}
.spread{stroke:var(--c);stroke-width:1.5;fill:none}
.fill{fill:var(--c)}
.hatch{stroke:var(--ground);stroke-width:1.6;stroke-linecap:round;fill:none;opacity:.75}
.gap{stroke:var(--ground);stroke-width:1}
.start{text-anchor:start}.middle{text-anchor:middle}.end{text-anchor:end}
.strong{font-weight:650}
.ring{fill:none;stroke:var(--text);stroke-width:2}
.halo{stroke:var(--ground);stroke-width:8;stroke-linecap:round;fill:none}
.point{stroke:var(--text);stroke-width:5;stroke-linecap:round;fill:none}
.cross{stroke:var(--text);stroke-width:1.4;fill:none}
.empty{fill:none;stroke:var(--rule);stroke-width:1}
.bracket{stroke:var(--text);stroke-width:2;fill:none}
${each(8, (i) => `.s${i}{--c:var(--s${i})}.line.s${i}{stroke-dasharray:${DASHES[i]}}`)}
${each(9, (i) => `.h${i}{fill:var(--h${i})}.on-h${i}{fill:var(--on-h${i})}.d${i}{fill:var(--d${i})}.on-d${i}{fill:var(--on-d${i})}`)}
`

const narrow = `
@media screen and (max-width:1060px){.grid{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media screen and (max-width:760px){
body{padding:20px 16px 40px}
h1{font-size:22px}
.grid{grid-template-columns:minmax(0,1fr)}
.span2,.span3{grid-column:auto}
svg.plot:not(.fluid){max-width:none}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tiles strong{font-size:18px}
}
@media print{
html{font-size:12px}
body{max-width:none;padding:0}
.grid{grid-template-columns:repeat(2,minmax(0,1fr));gap:0 24px}
.tiles{grid-template-columns:repeat(4,minmax(0,1fr))}
.tiles strong{font-size:16px}
nav,details{display:none}
section{break-before:auto;margin-top:24px}
figure,tr,.tiles,.notice{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll{overflow:visible}
svg.plot:not(.fluid){max-width:100%}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`

/** The whole style sheet. Paper is light whatever the screen is. */
export const style = new Markup(`
:root{${variables(light)}}
@media screen and (prefers-color-scheme:dark){:root{${variables(dark)}}}
${page}${blocks}${plots}${surfaceRules.text}${narrow}`)
