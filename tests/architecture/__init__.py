"""The rules that the code keeps about itself."""
