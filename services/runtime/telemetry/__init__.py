"""What a process tells of itself: metrics for Prometheus, traces and metrics by OTLP, and whose trace a message is in.

Nobody else imports `prometheus_client` or `opentelemetry`.
"""
