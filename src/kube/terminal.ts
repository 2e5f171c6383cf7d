/** The person at the terminal, whom exec plugins may ask one after the other. */
export interface Terminal {
  /** Shows what a plugin says while it asks. */
  write(text: string): void;
  /** Runs one conversation after the other: two plugins must not read from one keyboard. */
  exclusive<T>(conversation: () => Promise<T>): Promise<T>;
}

export function openTerminal(write: (text: string) => void): Terminal {
  let last: Promise<unknown> = Promise.resolve();
  return {
    write,
    exclusive(conversation) {
      const next = last.then(conversation, conversation);
      last = next.catch(() => undefined);
      return next;
    },
  };
}

/** A process has one keyboard, whatever the number of connections: hence one queue for all of them. */
export const ownTerminal: Terminal = openTerminal((text) => process.stderr.write(text));
