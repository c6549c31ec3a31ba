"""Pictures and pages made from volumes and runs."""
