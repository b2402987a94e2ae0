"""`rtcli proxy`: any app's realtime sessions watched, recorded, and broken on purpose."""
