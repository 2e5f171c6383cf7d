export function bundled(file: string, outfile: string): Promise<void>;
