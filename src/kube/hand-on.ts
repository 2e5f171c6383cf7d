import type { Aside, ListSink } from './connection.ts';
import type { BodyReader } from './exchange.ts';
import type { ListReader } from './protobuf.ts';

/** Bytes of a list after which it counts as long: what reads it aside takes about as long to start as these to be read here. */
const long = 4 << 20;

/** Reads a list here, and hands the rest of a long one on once somebody aside is ready for it: pods of a large cluster take most of the time of a run. */
export function handedOn(here: ListReader, { aside }: Pick<ListSink, 'aside'>, count: (items: number) => void): BodyReader {
  let came = 0;
  let helper: Aside | undefined;
  let isHandedOn = false;
  return {
    write(piece) {
      if (isHandedOn) return helper?.write(piece);
      here.write(piece);
      const before = came;
      came += piece.length;
      if (before < long && came >= long) helper = aside?.();
      if (helper?.isReady() === true) {
        helper.begin(here.place());
        isHandedOn = true;
      }
      return undefined;
    },
    async end() {
      if (helper === undefined || !isHandedOn) {
        helper?.close();
        return here.end();
      }
      const { list, items } = await helper.end();
      count(items);
      return list;
    },
    abandon() {
      helper?.close();
    },
  };
}
