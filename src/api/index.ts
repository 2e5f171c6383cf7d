/** The public contract of meshdoctor: what a check, a reporter or a plug-in may use. */
export * from './check.ts';
export * from './finding.ts';
export * from './plugin.ts';
export * from './remedy.ts';
export * from './reporter.ts';
