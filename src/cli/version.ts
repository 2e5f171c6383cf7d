import packageJson from '../../package.json' with { type: 'json' };

/** Of this package, as it was when it was built. */
export const version: string = packageJson.version;
