// Loaded before a program that is measured: says at its end how much memory it took at most, in KiB, on file descriptor 3.
import { writeSync } from 'node:fs';

process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));
