#!/usr/bin/env node
import module from 'node:module';
const [major, minor] = process.versions.node.split('.').map(Number);
const cache = process.env.XDG_CACHE_HOME || `${process.env.HOME}/.cache`;
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`meshdoctor needs Node.js 20.19 or newer, but this is ${process.versions.node}.`);
  process.exitCode = 2;
} else {
  if (module.enableCompileCache && cache.startsWith('/')) module.enableCompileCache(`${cache}/meshdoctor`);
  import('../dist/cli.js').catch((error) => {
    console.error(error);
    process.exitCode = 70;
  });
}
