"""What is to be shown, as styled lines: pure, so a test can read every one of them."""
