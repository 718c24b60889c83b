"""From an image file to instances and their exports."""
