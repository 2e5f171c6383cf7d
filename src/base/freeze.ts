/** Freezes `value` and everything reachable from it, and returns it. Already frozen parts are taken as deeply frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (value instanceof Map) {
    for (const [key, item] of value) {
      deepFreeze(key);
      deepFreeze(item);
    }
    return value;
  }
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
}
