/** The only style there is: no font, picture or script comes from anywhere. Colours repeat what shapes and words say, with at least 4.5:1 to their ground. */
export const style = `
:root { color-scheme: light dark; --ground: #ffffff; --raised: #f4f5f7; --ink: #1b1f24; --quiet: #57606a; --line: #c9ced6;
  --error: #b3261e; --warning: #8a5300; --info: #0b5c8f; --passed: #1a6b32; --unknown: #7a3e9d; --crashed: #b3261e; --none: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --raised: #1f242a; --ink: #e6e9ed; --quiet: #a3acb8; --line: #3a424c;
  --error: #ff8a80; --warning: #f0b45a; --info: #7cc4f2; --passed: #7fd598; --unknown: #d3a4ee; --crashed: #ff8a80; --none: #a3acb8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem 1.5rem 3rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .25rem; } a { color: var(--info); } a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--info); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; background: var(--ground); padding: .5rem; }
.quiet, dt { color: var(--quiet); } p { margin: .35rem 0; } nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; margin: .75rem 0; }
.scroll { overflow-x: auto; overflow-wrap: normal; } table { border-collapse: collapse; font-size: .925rem; } caption { text-align: left; white-space: nowrap; color: var(--quiet); padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); } thead th { color: var(--quiet); font-weight: 600; }
.matrix th, .matrix td { padding: .25rem .5rem; text-align: center; } .matrix tbody th { text-align: right; }
article { border: 1px solid var(--line); border-left: .35rem solid var(--line); border-radius: .25rem; padding: .75rem 1rem; margin: .75rem 0; background: var(--raised); break-inside: avoid; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: .5rem 0; } dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .875rem/1.45 ui-monospace, monospace; } details { margin: .35rem 0; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 14px system-ui, sans-serif; } svg .small { font-size: 12px; fill: var(--quiet); }
svg .zone { fill: none; stroke: var(--line); stroke-dasharray: 5 4; } svg .box { fill: var(--raised); stroke-width: 2; } svg .link { fill: none; stroke-width: 2; }
${['error', 'warning', 'info', 'passed', 'unknown', 'crashed', 'none'].map((mark) => `.${mark} { color: var(--${mark}); } article.${mark} { color: inherit; border-left-color: var(--${mark}); } svg .${mark} { stroke: var(--${mark}); } svg text.${mark} { fill: var(--${mark}); stroke: none; }`).join('\n')}
@media print { body { max-width: none; padding: 0; } nav, .skip { display: none; } details > * { display: block; } article { background: none; } }
`;
