/** Whether two types are the same one, and not only assignable to each other. */
export type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;

/** Does not compile unless `T` is `true`. */
export function expectType<T extends true>(): T | undefined {
  return undefined;
}
