"""The command that serves rooms, and its options."""

from typing import Annotated

import typer

from peer.cli import bridges, keys, limits, running
from peer.cli.arguments import parse_ice_server
from peer.cli.options import AdminKey, For, Host, JournalFile, Key
from peer.cli.output import Output
from peer.cli.start import Json, Verbose, Work, start
from peer.cli.why import check_journal
from peer.errors import UsageError
from signaling.config import Duplicate, SignalingConfig

app = typer.Typer()


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0: any.")] = 8080,
    key: Key = None,
    admin_key: AdminKey = None,
    key_file: keys.KeyFiles = None,
    insecure: running.Insecure = False,
    grace: Annotated[float, typer.Option(min=0, help="Seconds in which a lost user may come back.")] = 10.0,
    heartbeat: Annotated[float, typer.Option(min=0, help="Seconds between pings; a silent user is lost.")] = 5.0,
    capacity: Annotated[int, typer.Option(min=1, help="Users in one room.")] = 64,
    max_age: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Dismiss a room that long after its first user came.")
    ] = None,
    duplicate: Annotated[Duplicate, typer.Option(help="When a name that is here joins again.")] = Duplicate.REPLACE,
    ice_server: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="stun:host:port or turn:user:password@host:port; repeatable."),
    ] = None,
    journal: JournalFile = None,
    trusted_proxy: limits.TrustedProxy = None,
    max_connections: limits.MaxConnections = SignalingConfig.max_connections,
    connections_per_address: limits.ConnectionsPerAddress = SignalingConfig.connections_per_address,
    max_pending: limits.MaxPending = SignalingConfig.max_pending,
    pending_per_address: limits.PendingPerAddress = SignalingConfig.pending_per_address,
    wrong_keys: limits.WrongKeys = SignalingConfig.wrong_keys,
    join_rate: limits.JoinRate = SignalingConfig.join_rate,
    max_rooms: limits.MaxRooms = SignalingConfig.max_rooms,
    message_rate: limits.MessageRate = SignalingConfig.message_rate,
    message_burst: limits.MessageBurst = SignalingConfig.message_burst,
    outbox_messages: limits.OutboxMessages = SignalingConfig.outbox_messages,
    outbox_bytes: limits.OutboxBytes = SignalingConfig.outbox_bytes,
    handshake_timeout: limits.HandshakeTimeout = SignalingConfig.handshake_timeout,
    join_timeout: limits.JoinTimeout = SignalingConfig.join_timeout,
    tls_cert: running.TlsCert = None,
    tls_key: running.TlsKey = None,
    state: running.State = None,
    redis: running.Redis = None,
    redis_prefix: running.RedisPrefix = SignalingConfig.redis_prefix,
    drain_delay: running.DrainDelay = SignalingConfig.drain_delay,
    webhook: running.Webhook = None,
    webhook_key_file: running.WebhookKeyFile = None,
    turn_url: running.TurnUrl = None,
    turn_secret_file: running.TurnSecretFile = None,
    turn_ttl: running.TurnTtl = SignalingConfig.turn_ttl,
    metrics_public: running.MetricsPublic = False,
    whip: bridges.Whip = False,
    rtcmulticonnection: bridges.RtcMultiConnection = False,
    rtcmulticonnection_files: bridges.RtcMultiConnectionFiles = None,
    allowed_origin: bridges.AllowedOrigin = None,
    topology: bridges.Topology = SignalingConfig.topology,
    janus: bridges.Janus = None,
    janus_secret_file: bridges.JanusSecretFile = None,
    log_format: running.Log = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Serve rooms, and the page to watch them with."""
    from peer.cli.serve import run_server
    from peer.cli.token import keys_in

    def work(output: Output) -> Work:
        servers = tuple(map(parse_ice_server, ice_server or ()))
        check_journal(journal)
        try:
            config = SignalingConfig(
                key=key,
                admin_key=admin_key,
                keys=keys_in(key_file),
                grace=grace,
                heartbeat=heartbeat,
                capacity=capacity,
                max_age=max_age,
                duplicate=duplicate,
                ice_servers=servers,
                journal=journal,
                allowed_origins=tuple(allowed_origin or ()),
                trusted_proxies=tuple(trusted_proxy or ()),
                max_connections=max_connections,
                connections_per_address=connections_per_address,
                max_pending=max_pending,
                pending_per_address=pending_per_address,
                wrong_keys=wrong_keys,
                join_rate=join_rate,
                max_rooms=max_rooms,
                message_rate=message_rate,
                message_burst=message_burst,
                outbox_messages=outbox_messages,
                outbox_bytes=outbox_bytes,
                handshake_timeout=handshake_timeout,
                join_timeout=join_timeout,
                state=state,
                redis=redis,
                redis_prefix=redis_prefix,
                drain_delay=drain_delay,
                webhooks=tuple(webhook or ()),
                webhook_keys=running.secrets_in(webhook_key_file),
                turn_urls=tuple(turn_url or ()),
                turn_secret=next(iter(running.secrets_in(turn_secret_file)), None),
                turn_ttl=turn_ttl,
                metrics_public=metrics_public,
                rtcmulticonnection=rtcmulticonnection,
                rtcmulticonnection_files=rtcmulticonnection_files,
                topology=topology,
                janus=tuple(janus or ()),
                janus_secret=next(iter(running.secrets_in(janus_secret_file)), None),
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
        running.check_state(state)
        tls = running.certificate(tls_cert, tls_key)
        return run_server(
            *(output, config),
            host=host,
            port=port,
            seconds=seconds,
            tls=tls,
            is_insecure=insecure,
            is_whip=whip,
        )

    start(work, json, verbose, log_format)
