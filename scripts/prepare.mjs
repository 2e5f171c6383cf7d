// What npm runs after `npm ci`, before it packs, and where it installs this package from Git. `npm install --global` from Git, which is how pre-commit
// installs hooks, prepares the clone without what it is built with: its --global reaches the npm that should bring that. Then it is brought here.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

function isThere(name) {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
}

/** npm with this checkout as its project, whatever the npm around it was told. */
function npm(...args) {
  const leaked = /^npm_config_(?:global|location|install_links|omit|production|include|dry_run|package_lock_only)$/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !leaked.test(name)));
  const { status } = spawnSync('npm', args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!isThere('esbuild')) npm('ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error');
npm('run', '--silent', 'build');
