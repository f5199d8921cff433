/**
 * Who is told what happens: the owner's property `onRemoteUserLeave`, then the handlers in order of registration.
 *
 * Events, as in Python; every one is an object with `type`:
 *     enterRoom {room, user, users}             remoteUserJoin {user, session, extra}
 *     roomChanged {room, users}                 message {user, topic, data}
 *     tokenExpiring {expiresIn}                 muted {kind, text}
 *     connectionLost {grace}                    remoteUserUpdate {user, session, extra}
 *     connectionBack {}                         remoteUserUnreachable {user, session}
 *     track {user, kind, track, stream}         remoteUserBack {user, session}
 *     remoteUserPublished {user, session, kind} remoteUserUnpublished {user, session, kind}
 *     remoteUserMuted {user, session, kind}     remoteUserUnmuted {user, session, kind}
 *     sourceEnded {device, kind}                remoteUserLeave {user, session, reason, text, detectedBy, silentFor, extra}
 *     error {code, text, about}                 exitRoom {reason, text, unacknowledged}
 */

export class Hooks {
  #owner;
  #handlers = new Map(); // event → handlers

  constructor(owner) {
    this.#owner = owner;
  }

  /** Call `handler(event)` at every event of this name ("remoteUserJoin" or "onRemoteUserJoin"). Returns its undoing. */
  on(name, handler) {
    const type = eventOf(name);
    this.#handlers.set(type, [...this.#of(type), handler]);
    return () => this.#handlers.set(type, this.#of(type).filter((other) => other !== handler));
  }

  /** Tell everybody who wants to know. */
  fire(type, detail) {
    const event = Object.freeze({ type, ...detail });
    const property = this.#owner[`on${type[0].toUpperCase()}${type.slice(1)}`];
    for (const handler of [property, ...this.#of(type)]) run(handler, event);
  }

  #of(type) {
    return this.#handlers.get(type) ?? [];
  }
}

/** A handler that throws is logged and harms nothing. */
function run(handler, event) {
  if (!handler) return;
  try {
    handler(event);
  } catch (error) {
    console.error(`a handler of ${event.type} failed`, error);
  }
}

function eventOf(name) {
  return /^on[A-Z]/.test(name) ? name[2].toLowerCase() + name.slice(3) : name;
}
