"""What looks at the metrics: a Grafana dashboard, generated here, and Prometheus' alerts."""
